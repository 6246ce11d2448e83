// Package p11 speaks PKCS#11: modules, sessions, login, healing, objects.
package p11
