// Package e2e tests the real programs from outside: ceremony, server and client as processes, a real token, a real database, mTLS
// over loopback. Each test has a data directory of its own. There is nothing in it but tests.
package e2e
