-- What each round asks, answered without reading through the rounds before it.

create index effect_position on effect (job, position);
create index wallet_lock_proof_y on wallet_lock_proof (y);
-- Sums over a lock's proofs need not read the proofs.
create index wallet_lock_proof_state on wallet_lock_proof (lock, state, amount);

-- The sum of each account's lines, kept with every entry.
create table ledger_total (
  mint text not null,
  account text not null,
  amount integer not null,
  primary key (mint, account)
) strict, without rowid;
insert into ledger_total
  select mint, account, sum(amount) from ledger_line join ledger_entry on id = entry group by mint, account;
