-- Cashu proofs are bearer money: whoever reads this file can spend them. The seed is never here.
create table wallet_mint (
  url text primary key,
  info text not null -- JSON, NUT-06
) strict;

create table wallet_keyset (
  mint text not null,
  id text not null,
  fee_ppk integer not null,
  active integer not null,
  expiry integer, -- unix seconds
  keys text not null, -- JSON, public keys by amount
  primary key (mint, id)
) strict;

-- NUT-13: the next counter of a keyset that was never used. It moves in the transaction that stores the outputs.
create table wallet_counter (
  keyset text primary key,
  next integer not null
) strict;

create table wallet_proof (
  y text primary key, -- hash_to_curve(secret)
  mint text not null,
  amount integer not null,
  proof text not null, -- JSON
  state text not null check (state in ('available', 'reserved', 'spent')),
  operation text -- the one that reserved or spent it
) strict;
create index wallet_proof_state on wallet_proof (mint, state);

-- A request to a mint that moves money, with its inputs and outputs, stored before it leaves.
create table wallet_operation (
  id text primary key,
  purpose text not null check (purpose in ('lock', 'refund', 'redeem', 'mint', 'melt')),
  about text not null, -- the lock's or the quote's id
  mint text not null,
  state text not null check (state in ('open', 'done', 'failed')),
  inputs text not null, -- JSON, signed proofs
  outputs text not null, -- JSON, with secrets and blinding factors
  result text, -- JSON
  error text,
  created integer not null
) strict;
create index wallet_operation_open on wallet_operation (state) where state = 'open';
create index wallet_operation_about on wallet_operation (about);

create table wallet_lock (
  id text primary key,
  role text not null check (role in ('customer', 'provider')),
  state text not null check (state in ('pending', 'failed', 'ready')),
  mint text not null,
  job text,
  price integer not null,
  amount integer not null, -- face value
  provider text not null,
  customer text not null,
  refund text not null,
  locktime integer not null,
  token text,
  judged integer not null default 0, -- a release was decided
  fee integer not null default 0, -- of making it (customer) or redeeming it (provider)
  refund_fee integer not null default 0,
  created integer not null
) strict;
create index wallet_lock_job on wallet_lock (job);

create table wallet_lock_proof (
  lock text not null references wallet_lock (id),
  y text not null,
  position integer not null,
  amount integer not null,
  proof text not null, -- JSON
  -- customer: locked, refunding, released, paid, refunded; provider: received, redeeming, redeemed, returned, lost
  state text not null,
  signature text, -- the customer's, once released
  primary key (lock, y)
) strict, without rowid;

create table wallet_quote (
  mint text not null,
  id text not null,
  direction text not null check (direction in ('in', 'out')),
  amount integer not null,
  reserve integer not null default 0, -- most that Lightning may cost
  request text not null, -- BOLT-11
  state text not null check (state in ('unpaid', 'paid', 'done', 'failed')),
  expiry integer not null,
  created integer not null,
  primary key (mint, id)
) strict;

-- Double entry: the lines of an entry sum to zero.
create table ledger_entry (
  id integer primary key,
  at integer not null,
  kind text not null,
  about text not null,
  mint text not null
) strict;

create table ledger_line (
  entry integer not null references ledger_entry (id),
  account text not null check (
    account in ('available', 'locked', 'released', 'pendingIn', 'pendingOut', 'paid', 'earned', 'fees', 'external')
  ),
  amount integer not null,
  primary key (entry, account)
) strict, without rowid;
