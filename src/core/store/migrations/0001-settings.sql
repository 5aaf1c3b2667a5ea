-- Small facts about this home: the networks it used last, what the user chose.
create table setting (
  name text primary key,
  value text not null -- JSON
) strict;
