-- A job (customer) or an engagement (provider) is a fold over its log; the log is the truth.
create table job (
  id text primary key, -- customer: the job's id; provider: the bid's id
  side text not null check (side in ('customer', 'provider')),
  created_at integer not null,
  closed_at integer -- nothing is left to do: no effect pending, no lock open
) strict;

-- Entries in the order in which they were folded. `id` is the wire event's id, or names the local fact.
create table entry (
  job text not null references job (id),
  position integer not null,
  id text not null,
  version integer not null,
  at integer not null,
  fact text not null, -- JSON
  primary key (job, position),
  unique (job, id)
) strict;

-- What the fold asked for. An effect's id is asked for at most once; `done_at` is set in the transaction that
-- appends its outcome.
create table effect (
  job text not null references job (id),
  id text not null,
  position integer not null,
  body text not null, -- JSON
  done_at integer,
  primary key (job, id)
) strict;
create index effect_pending on effect (job, position) where done_at is null;

-- What this home has lived through with others: strangers begin with a short round, those who did not pay or
-- did not work are not engaged again.
create table acquaintance (
  pubkey text not null,
  role text not null check (role in ('customer', 'provider')), -- theirs
  rounds_paid integer not null default 0,
  rounds_unpaid integer not null default 0,
  rounds_rejected integer not null default 0,
  primary key (pubkey, role)
) strict;
