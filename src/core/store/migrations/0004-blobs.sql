-- Every blob this home has sealed: the key belongs to exactly these bytes. Sealing the same bytes again for the same
-- purpose finds the key here, so that an upload cut short goes on under it; other bytes get another key.
create table blob_sealed (
  purpose text not null,
  sha256 text not null,       -- of the plaintext, hex
  key text not null unique,   -- AES-256, hex
  size integer not null,      -- of the plaintext, bytes
  chunks text not null,       -- JSON: [{ sha256, size }], of the encrypted chunks in order
  created_at integer not null, -- unix seconds
  primary key (purpose, sha256)
) strict;
