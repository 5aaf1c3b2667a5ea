-- The session key whose own connection an event travels on; empty: the identity's.
alter table outbox add column via text not null default '';
