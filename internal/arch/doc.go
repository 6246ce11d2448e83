// Package arch holds the picture of the project: which package may import which. Its test reads the source files and fails on
// an arrow that is not in the picture, so that adding one means changing the picture in the same commit, on purpose.
//
//	cmd → {rpc, web, store} → ca → {profiles, lint, tlog} → {pkix, cvc} → {der, brainpool, sigalg}
//
// Package hsm stands beside ca, knows only sigalg and brainpool, and is handed in by cmd as ca.Key.
package arch
