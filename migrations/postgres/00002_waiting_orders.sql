-- +goose Up

-- Finds the orders whose attempts were abandoned, which are few, without a look at the cards, which are many.
CREATE INDEX attempts_abandoned ON attempts (order_id, number) WHERE state = 'abandoned';
