-- +goose Up

-- Finds what the log says of a chip. The facts of every kind that is about a card name it in the same way.
CREATE INDEX entries_iccsn ON entries ((facts ->> 'iccsn')) WHERE facts ->> 'iccsn' IS NOT NULL;

-- Finds where in the log the entries of a time stand, without a look at the entries themselves.
CREATE INDEX entries_at ON entries (at, leaf_index);
