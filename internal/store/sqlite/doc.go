// Package sqlite keeps the CA's orders, attempts, cards and log in one SQLite file: the embedded default, which needs nothing.
// It implements ca.Store.
package sqlite
