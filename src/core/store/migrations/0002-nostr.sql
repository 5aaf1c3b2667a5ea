-- Events that must reach a relay: written before they are sent, sent again until one said OK.
create table outbox (
  id text primary key,
  event text not null, -- JSON; emptied once no relay is left to try
  created_at integer not null, -- unix time of publishing
  expires_at integer, -- NIP-40
  delivered_at integer -- the first OK
) strict;

create table outbox_target (
  id text not null references outbox (id) on delete cascade,
  url text not null,
  settled text check (settled in ('accepted', 'refused')), -- null: still to be tried
  reason text, -- what the relay said last
  primary key (id, url)
) strict, without rowid;
create index outbox_open on outbox_target (url) where settled is null;

-- Up to when a subscription has everything a relay has. Another filter under the same name starts anew.
create table sync_window (
  name text not null,
  url text not null,
  filter text not null,
  complete_until integer not null, -- unix time
  primary key (name, url)
) strict, without rowid;

-- Events a subscription has handled, marked in the same transaction.
create table seen (
  name text not null,
  id text not null,
  created_at integer not null, -- the event's
  primary key (name, id)
) strict, without rowid;
