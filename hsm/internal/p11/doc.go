// Package p11 speaks PKCS#11: it holds what package hsm and package keygen share.
//
//	calls.go      the PKCS#11 functions that are used
//	module.go     a loaded module: C_Initialize, C_Finalize, once per process
//	pool.go       a token with its login and its sessions: Open, Use, Close
//	session.go    opening, logging in and closing one session
//	initialize.go what C_Initialize is given
//	login.go      where a PIN goes to a token
//	pins.go       what is learnt of PINs, so that a wrong one is not sent twice
//	heal.go       what happens when the token is away
//	sign.go       C_SignInit, C_Sign
//	object.go     finding objects, reading attributes
//	generate.go   making a key pair, and what its private half must be
//	publickey.go  public key objects → crypto.PublicKey
//	slot.go       which slot holds the token
//	errors.go     return values and what they mean for the caller
//	stats.go      counters
//
// # Sessions
//
// A pool has as many permits as it may have sessions. Permits lie in a channel, which hands them out first come, first served;
// a permit carries an open session or none yet. Every user of a session takes a permit and puts one back, whatever happens.
// A session in which any call failed is closed, never given to the next caller: nobody knows what operation is
// still active in it.
//
// # Generations
//
// C_Finalize ends all sessions of the process with a module, and the handles of the next C_Initialize may have the same
// numbers. Sessions therefore carry the generation of the module that they belong to; a session of an earlier one is
// forgotten, not closed. A gate makes sure that no session is in use while the module is initialized again: between C_SignInit
// and C_Sign a handle must not change its meaning.
//
// # Faults
//
// A call that fails may have happened all the same. C_Sign is never repeated. C_SignInit, and what comes before it, is
// repeated once on a fresh session. When a fresh session does not help, the pool is down: callers get *Unavailable at once,
// and one goroutine tries to bring the token back, first by a new session and login, then from the ground up with C_Finalize
// and C_Initialize.
package p11
