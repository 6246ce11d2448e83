// Package pinshare splits the PIN of a token into two shares, one for each of two operators, and joins them.
//
// A share alone says nothing about the PIN, not even its length, whatever the computing power: one of them is drawn at random,
// and the other is the exclusive or of that and of a block of fixed size (a one-time pad). So half of a PIN is not what a share
// is.
//
//	block   length of the PIN (1 octet) ‖ PIN ‖ zeros (31 octets together) ‖ check (8 octets)
//	check   first 8 octets of the SHA-256 of what comes before
//	share   number, 1 or 2 (1 octet) ‖ split (4) ‖ block under the pad (40) ‖ sum (5)
//	split   random; the same in the two shares of one PIN, so that shares of two splits are not joined
//	sum     first 5 octets of the SHA-256 of what comes before: finds slips of the pen
//
// As text, a share is base 32 (RFC 4648, Section 6) in 20 groups of four. The check tells wrong shares before a PIN is sent to a
// token.
package pinshare

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
)

// MaxPIN is the length of the longest PIN, in octets.
const MaxPIN = 31

const (
	checkSize = 8
	blockSize = 1 + MaxPIN + checkSize
	splitSize = 4
	sumSize   = 5
	shareSize = 1 + splitSize + blockSize + sumSize
)

// Share is one of the two. It is a secret: it shows itself only by Text.
type Share struct{ raw [shareSize]byte }

// Format prints which share it is and of which split, whatever the verb.
func (s Share) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "[share %d of %X]", s.Number(), s.split()) }

// Number is 1 or 2.
func (s Share) Number() int { return int(s.raw[0]) }

func (s *Share) split() []byte { return s.raw[1 : 1+splitSize] }
func (s *Share) pad() []byte   { return s.raw[1+splitSize : shareSize-sumSize] }
func (s *Share) body() []byte  { return s.raw[:shareSize-sumSize] }
func (s *Share) sum() []byte   { return s.raw[shareSize-sumSize:] }

// Wipe overwrites the share with zeros.
func (s *Share) Wipe() { clear(s.raw[:]) }

// Split makes the two shares of a PIN of 1 to MaxPIN octets.
func Split(pin []byte) (first, second Share, err error) {
	if len(pin) == 0 || len(pin) > MaxPIN {
		return first, second, fmt.Errorf("the PIN has %d octets, want 1 to %d", len(pin), MaxPIN)
	}
	var block [blockSize]byte
	defer clear(block[:])
	block[0] = byte(len(pin))
	copy(block[1:], pin)
	check := sha256.Sum256(block[:1+MaxPIN])
	copy(block[1+MaxPIN:], check[:])
	rand.Read(first.split()) // never fails (crypto/rand)
	rand.Read(first.pad())
	copy(second.split(), first.split())
	subtle.XORBytes(second.pad(), first.pad(), block[:])
	for i, s := range []*Share{&first, &second} {
		s.raw[0] = byte(i + 1)
		sum := sha256.Sum256(s.body())
		copy(s.sum(), sum[:])
	}
	return first, second, nil
}

// The errors of Join: what the two operators can do about them.
var (
	ErrSame  = errors.New("it is the same share twice; each operator gives their own")
	ErrSplit = errors.New("the shares belong to different splits of a PIN")
	ErrCheck = errors.New("the shares do not make a PIN")
)

// Join gives the PIN of two shares, in any order. The caller wipes it.
func Join(a, b Share) ([]byte, error) {
	switch {
	case a.Number() == b.Number():
		return nil, ErrSame
	case !bytes.Equal(a.split(), b.split()):
		return nil, ErrSplit
	}
	var block [blockSize]byte
	defer clear(block[:])
	subtle.XORBytes(block[:], a.pad(), b.pad())
	check := sha256.Sum256(block[:1+MaxPIN])
	n := int(block[0])
	if subtle.ConstantTimeCompare(check[:checkSize], block[1+MaxPIN:]) != 1 || n == 0 || n > MaxPIN {
		return nil, ErrCheck
	}
	return bytes.Clone(block[1 : 1+n]), nil
}

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// Text is the share as a person writes it down: 20 groups of four letters and digits, separated by hyphens.
func (s Share) Text() string {
	flat := encoding.EncodeToString(s.raw[:])
	groups := make([]string, 0, len(flat)/4)
	for i := 0; i < len(flat); i += 4 {
		groups = append(groups, flat[i:i+4])
	}
	return strings.Join(groups, "-")
}

// Parse reads a share from text: capitals or not, with hyphens, spaces or nothing between the groups. No error repeats any of it.
func Parse(text []byte) (Share, error) {
	flat := make([]byte, 0, len(text))
	defer func() { clear(flat[:cap(flat)]) }()
	for _, c := range bytes.ToUpper(text) {
		switch c {
		case '-', ' ', '\t', '\r', '\n':
		case '0': // digits that base 32 does not have, for letters that look like them
			flat = append(flat, 'O')
		case '1':
			flat = append(flat, 'I')
		default:
			flat = append(flat, c)
		}
	}
	var s Share
	if len(flat) != encoding.EncodedLen(shareSize) {
		return Share{}, fmt.Errorf("a share has %d letters and digits, this has %d", encoding.EncodedLen(shareSize), len(flat))
	}
	if _, err := encoding.Decode(s.raw[:], flat); err != nil {
		return Share{}, errors.New("a share has letters and the digits 2 to 7, this has other signs")
	}
	sum := sha256.Sum256(s.body())
	if subtle.ConstantTimeCompare(sum[:sumSize], s.sum()) != 1 || s.Number() != 1 && s.Number() != 2 {
		s.Wipe()
		return Share{}, errors.New("the share has a slip of the pen: its sum does not fit")
	}
	return s, nil
}
