-- Whose an event is, while relays can still be asked to delete it (NIP-09); null where nobody can ask: gift wraps, whose
-- key is thrown away, and what relays do not keep.
alter table outbox add column author text;
alter table outbox add column kind integer;
create index outbox_author on outbox (author) where author is not null;

-- When the last of what a job had left with relays and servers was asked back.
alter table job add column tidied_at integer;
