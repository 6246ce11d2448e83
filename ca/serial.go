package ca

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/internal/pkix"
)

// serialSize is the length of serial numbers in octets, of at most 20 (RFC 5280, Section 4.1.2.2).
//
// The first four say when the number was drawn: Unix time in units of two seconds, big-endian. Numbers drawn one after the other so lie
// beside each other in the indexes that keep them unique; at random places, each would touch a page of its own, and the cost of a card
// would grow with the number of cards. It tells a reader nothing, since a certificate says on which day it begins and OCSP what was issued.
// Servers need not agree about the time: it is there for order, and uniqueness rests on the other twelve octets, 96 bits from a CSPRNG.
const serialSize = 16

// The instants between which the first octet of a serial number is 01 to 7F, so that the INTEGER is positive and always has serialSize
// octets: 1971-01-24 08:40:32 and, not included, 2106-02-07 06:28:16 UTC. Within them, numbers ascend with time.
const (
	firstSerialTime = int64(0x01_00_00_00) << 1
	endOfSerialTime = int64(0x80_00_00_00) << 1
)

// drawSerial draws a serial number at an instant.
func drawSerial(now time.Time) (pkix.Serial, error) {
	at := now.Unix()
	if at < firstSerialTime || at >= endOfSerialTime {
		return pkix.Serial{}, fmt.Errorf("draw a serial number: the clock shows %s", now.UTC().Format(time.RFC3339))
	}
	var b [serialSize]byte
	binary.BigEndian.PutUint32(b[:], uint32(at>>1))
	rand.Read(b[4:]) // never fails: crypto/rand ends the program instead
	return pkix.NewSerial(b[:])
}

// standInSerial gives the serial number of a dry run: of the final length, and plainly none that was drawn.
func standInSerial() (pkix.Serial, error) {
	b := [serialSize]byte{0: 0x01}
	return pkix.NewSerial(b[:])
}
