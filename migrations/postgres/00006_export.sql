-- +goose Up

-- Finds what the log says of a chip. The facts of every kind that is about a card name it in the same way. They are looked at as text: as JSON,
-- facts with the escape \u0000 could not be indexed, and so not be recorded.
CREATE INDEX entries_iccsn ON entries (substring(facts::text FROM '"iccsn":"([0-9]{20})"')) WHERE substring(facts::text FROM '"iccsn":"([0-9]{20})"') IS NOT NULL;

-- Finds where in the log the entries of a time stand, without a look at the entries themselves.
CREATE INDEX entries_at ON entries (at, leaf_index);
