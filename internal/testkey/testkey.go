// Package testkey makes public keys for tests and benchmarks, fast: nobody has their private half. An RSA modulus here is a random
// number without small factors, a point is a random point of the curve. Neither can be told from a real key by a check that
// a CA makes, and ten thousand of them take a second or two instead of many minutes.
package testkey

import (
	"encoding/asn1"
	"io"
	"math/big"
)

// Source makes keys from a source of randomness; with the same octets it makes the same keys. Not for concurrent use.
type Source struct {
	rand        io.Reader
	left, right []*big.Int // halves of moduli, as many on either side
	paired      int        // moduli that were made with the last of either side
}

// New gives a source of keys.
func New(rand io.Reader) *Source { return &Source{rand: rand} }

var (
	oidRSA        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidEC         = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidBrainpool  = asn1.ObjectIdentifier{1, 3, 36, 3, 3, 2, 8, 1, 1, 7}
	smallPrimes   = primorial(1 << 13)
	p256P, _      = new(big.Int).SetString("A9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377", 16)
	p256A, _      = new(big.Int).SetString("7D5A0975FC2C3057EEF67530417AFFE7FB8055C126DC5C6CE94A4B44F330B5D9", 16)
	p256B, _      = new(big.Int).SetString("26DC5C6CE94A4B44F330B5D9BBD77CBF958416295CF7E1CE6BCCDC18FF8C07B6", 16)
	publicExp     = 65537
	modulusOctets = 256
)

// moreBits makes the product of two halves as long as both together.
const moreBits = 0xc0

type algorithm struct {
	ID     asn1.ObjectIdentifier
	Params asn1.RawValue
}

type spki struct {
	Algorithm algorithm
	Key       asn1.BitString
}

// RSA gives the DER SubjectPublicKeyInfo of an RSA key of 2048 bits with exponent 65537, another one each time.
func (s *Source) RSA() []byte {
	key := must(asn1.Marshal(struct {
		N *big.Int
		E int
	}{s.modulus(), publicExp}))
	return must(asn1.Marshal(spki{algorithm{oidRSA, asn1.NullRawValue}, asn1.BitString{Bytes: key, BitLength: 8 * len(key)}}))
}

// modulus multiplies a pair of halves that was not paired before. Only when all are, it looks for another half on either side, so that n
// moduli take the search for twice the root of n halves.
func (s *Source) modulus() *big.Int {
	if s.paired == max(0, 2*len(s.left)-1) {
		s.left, s.right, s.paired = append(s.left, s.half()), append(s.right, s.half()), 0
	}
	last := len(s.left) - 1
	a, b := last, s.paired // the last of the left with all of the right, then the others of the left with the last of the right
	if s.paired > last {
		a, b = s.paired-last-1, last
	}
	s.paired++
	return new(big.Int).Mul(s.left[a], s.right[b])
}

// half gives a number without small factors, half as long as a modulus.
func (s *Source) half() *big.Int {
	n := new(big.Int)
	for gcd := new(big.Int); gcd.Cmp(big.NewInt(1)) != 0; gcd.GCD(nil, nil, n, smallPrimes) {
		b := s.read(modulusOctets / 2)
		b[0] |= moreBits
		b[len(b)-1] |= 1
		n.SetBytes(b)
	}
	return n
}

// EC gives the DER SubjectPublicKeyInfo of a key on brainpoolP256r1.
func (s *Source) EC() []byte {
	for {
		x := new(big.Int).SetBytes(s.read(32))
		if x.Cmp(p256P) >= 0 {
			continue
		}
		y2 := new(big.Int).Mul(x, x)
		y2.Add(y2, p256A).Mul(y2, x).Add(y2, p256B).Mod(y2, p256P)
		y := new(big.Int).ModSqrt(y2, p256P)
		if y == nil {
			continue
		}
		point := make([]byte, 65)
		point[0] = 4
		x.FillBytes(point[1:33])
		y.FillBytes(point[33:])
		curve := must(asn1.Marshal(oidBrainpool))
		return must(asn1.Marshal(spki{algorithm{oidEC, asn1.RawValue{FullBytes: curve}}, asn1.BitString{Bytes: point, BitLength: 8 * len(point)}}))
	}
}

func (s *Source) read(n int) []byte {
	b := make([]byte, n)
	if _, err := io.ReadFull(s.rand, b); err != nil {
		panic("testkey: the source of randomness ended: " + err.Error())
	}
	return b
}

// primorial is the product of the primes below n.
func primorial(n int) *big.Int {
	product := big.NewInt(1)
	composite := make([]bool, n)
	for i := 2; i < n; i++ {
		if composite[i] {
			continue
		}
		product.Mul(product, big.NewInt(int64(i)))
		for j := i * i; j < n; j += i {
			composite[j] = true
		}
	}
	return product
}

// must is for encodings of constants' shape, which cannot fail.
func must(b []byte, err error) []byte {
	if err != nil {
		panic("testkey: " + err.Error())
	}
	return b
}
