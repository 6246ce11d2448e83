// Package storetest is the contract of ca.Store as tests: the suite that every store must pass (Exercise), the sweep over
// a store's invariants (Check), and a store that fails on command (Faulty).
package storetest
