// Package hsmtest holds what tests need to lose a token and to count what happens to it.
//
//	counter.go  a PKCS#11 module in front of another one, which counts sessions, logins and signatures at the device's side
//	device.go   a token behind `p11-kit server`, in processes of its own that can be killed
//	copy.go     a second SoftHSM token with the same keys
package hsmtest
