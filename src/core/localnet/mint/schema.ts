import type { Database } from '../../store/index.ts'

/** The practice mint's own tables, in its own file: it is a server of its own and shares nothing with a wallet. */
export function createSchema(db: Database): void {
  db.exec(`
    create table if not exists keyset (
      id text primary key,
      keys text not null, -- JSON, private keys by amount
      fee_ppk integer not null,
      active integer not null
    ) strict;
    -- y = hash_to_curve(secret). The primary key is what makes a double spend impossible.
    create table if not exists spent (
      y text primary key,
      amount integer not null,
      keyset text not null references keyset (id),
      witness text,
      spent_by text not null
    ) strict, without rowid;
    create table if not exists signature (
      b text primary key,
      keyset text not null references keyset (id),
      amount integer not null,
      c text not null,
      e text not null,
      s text not null
    ) strict, without rowid;
    create table if not exists mint_quote (
      id text primary key,
      amount integer not null,
      request text not null unique,
      payment_hash text not null unique,
      preimage text not null,
      state text not null check (state in ('UNPAID', 'PAID', 'ISSUED')),
      created_ms integer not null,
      expiry integer not null
    ) strict;
    create table if not exists melt_quote (
      id text primary key,
      amount integer not null,
      fee_reserve integer not null,
      request text not null,
      payment_hash text not null,
      state text not null check (state in ('UNPAID', 'PAID')),
      preimage text,
      change text,
      expiry integer not null
    ) strict;
    -- What Lightning did, in sats: in (a quote was paid) and out (an invoice was paid).
    create table if not exists lightning (
      id integer primary key,
      direction text not null check (direction in ('in', 'out')),
      amount integer not null,
      quote text not null
    ) strict;
    create unique index if not exists lightning_once on lightning (direction, quote);
  `)
}
