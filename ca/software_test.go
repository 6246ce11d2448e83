package ca_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// The story of this file: a token made of software, for tests only. Its arithmetic is math/big, slow and not secret, and shares
// nothing with the code that verifies.

// rsaKey is a ca.Key with an RSA key.
type rsaKey struct{ private *rsa.PrivateKey }

var _ ca.Key = (*rsaKey)(nil)

func newRSAKey() *rsaKey {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return &rsaKey{private}
}

func (k *rsaKey) Ready() error { return nil }

func (k *rsaKey) Public() crypto.PublicKey { return &k.private.PublicKey }

func (k *rsaKey) Sign(ctx context.Context, s sigalg.Scheme, message []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s == sigalg.ISO9796SHA256 {
		return new(big.Int).Exp(new(big.Int).SetBytes(message), k.private.D, k.private.N).FillBytes(make([]byte, 256)), nil
	}
	h := s.Hash().New()
	h.Write(message)
	if s == sigalg.RSAPSSSHA256 {
		return rsa.SignPSS(rand.Reader, k.private, s.Hash(), h.Sum(nil), &rsa.PSSOptions{SaltLength: 32})
	}
	if s != sigalg.RSAPKCS1SHA256 {
		return nil, fmt.Errorf("an RSA key of this test does not sign with %s", s)
	}
	return rsa.SignPKCS1v15(rand.Reader, k.private, s.Hash(), h.Sum(nil))
}

// ecKey is a ca.Key on brainpoolP256r1.
type ecKey struct {
	d      *big.Int
	public *brainpool.PublicKey
}

var _ ca.Key = (*ecKey)(nil)

func newECKey() *ecKey {
	d := randomScalar()
	p := baseMultiple(d)
	public, err := brainpool.P256r1().ParsePoint(append([]byte{4}, append(p.x.FillBytes(make([]byte, 32)), p.y.FillBytes(make([]byte, 32))...)...))
	if err != nil {
		panic(err)
	}
	return &ecKey{d, public}
}

func (k *ecKey) Ready() error { return nil }

func (k *ecKey) Public() crypto.PublicKey { return k.public }

func (k *ecKey) Sign(ctx context.Context, s sigalg.Scheme, message []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s != sigalg.ECDSASHA256 {
		return nil, errors.New("a key on brainpoolP256r1 signs with ecdsa-with-SHA256")
	}
	h := s.Hash().New()
	h.Write(message)
	e := new(big.Int).SetBytes(h.Sum(nil))
	for {
		nonce := randomScalar()
		r := new(big.Int).Mod(baseMultiple(nonce).x, curve.q)
		sum := new(big.Int).Mul(r, k.d)
		sum.Add(sum, e).Mul(sum, nonce.ModInverse(nonce, curve.q)).Mod(sum, curve.q)
		if r.Sign() != 0 && sum.Sign() != 0 {
			return append(r.FillBytes(make([]byte, 32)), sum.FillBytes(make([]byte, 32))...), nil
		}
	}
}

// point is an affine point; a nil x is infinity.
type point struct{ x, y *big.Int }

// curve is brainpoolP256r1 (RFC 5639, Section 3.4): y² = x³ + ax + b mod p, and the base point's multiples by powers of two.
var curve = func() (c struct {
	p, a, q *big.Int
	powers  [256]point
}) {
	number := func(s string) *big.Int { n, _ := new(big.Int).SetString(s, 16); return n }
	c.p = number("A9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377")
	c.a = number("7D5A0975FC2C3057EEF67530417AFFE7FB8055C126DC5C6CE94A4B44F330B5D9")
	c.q = number("A9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7")
	g := point{
		number("8BD2AEB9CB7E57CB2C4B482FFC81B7AFB9DE27E1E3BD23C23A4453BD9ACE3262"),
		number("547EF835C3DAC4FD97F8461A14611DC9C27745132DED8E545C1D54C72F046997"),
	}
	for i := range c.powers {
		c.powers[i] = g
		g = add(c.p, c.a, g, g)
	}
	return c
}()

// add gives s + t.
func add(p, a *big.Int, s, t point) point {
	if s.x == nil {
		return t
	}
	if t.x == nil {
		return s
	}
	slope, under := new(big.Int), new(big.Int)
	switch {
	case s.x.Cmp(t.x) != 0:
		slope.Sub(t.y, s.y)
		under.Sub(t.x, s.x)
	case s.y.Cmp(t.y) == 0 && s.y.Sign() != 0:
		slope.Mul(s.x, s.x).Mul(slope, big.NewInt(3)).Add(slope, a)
		under.Lsh(s.y, 1)
	default:
		return point{}
	}
	slope.Mul(slope, under.ModInverse(under.Mod(under, p), p)).Mod(slope, p)
	x := new(big.Int).Mul(slope, slope)
	x.Sub(x, s.x).Sub(x, t.x).Mod(x, p)
	y := new(big.Int).Sub(s.x, x)
	y.Mul(y, slope).Sub(y, s.y).Mod(y, p)
	return point{x, y}
}

// baseMultiple gives n times the base point.
func baseMultiple(n *big.Int) (sum point) {
	for i := range curve.powers {
		if n.Bit(i) == 1 {
			sum = add(curve.p, curve.a, sum, curve.powers[i])
		}
	}
	return sum
}

// randomScalar gives a number from 1 to q-1.
func randomScalar() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Sub(curve.q, big.NewInt(1)))
	if err != nil {
		panic(err)
	}
	return n.Add(n, big.NewInt(1))
}
