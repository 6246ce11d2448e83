package brainpool

import (
	"bytes"
	"math/big"
	"testing"
)

// TestEdges puts the signatures that implementations get wrong before the same four judges as the campaign. Each case also says
// what the answer must be.
func TestEdges(t *testing.T) {
	second := newOpenSSL(t)
	for _, c := range refCurves {
		t.Run(c.Name(), func(t *testing.T) {
			t.Parallel()
			var cases []*testCase
			var want []bool
			for _, e := range edges(t, c) {
				digest := e.digest
				if digest == nil {
					digest = c.join(e.e, new(big.Int))[:c.ByteLen()]
				}
				cases = append(cases, &testCase{name: e.name, curve: c, point: c.encode(e.q),
					multiply: func(k *big.Int) refPoint { return c.mul(k, e.q) }, digest: digest, sig: c.join(e.r, e.s)})
				want = append(want, e.want)
			}
			judge(t, second, cases)
			for i, got := range referenceVerdicts(cases) {
				if got != want[i] {
					t.Errorf("%s: got %t, want %t", cases[i].name, got, want[i])
				}
			}
		})
	}
}

// edge is a case whose digest is given, or else is the number e.
type edge struct {
	name    string
	q       refPoint
	digest  []byte
	e, r, s *big.Int
	want    bool
}

func edges(t *testing.T, c *refCurve) (list []edge) {
	list = append(list, rangeEdges(c)...)
	list = append(list, digestEdges(c)...)
	list = append(list, keyEdges(c)...)
	list = append(list, meetingEdges(c)...)
	return append(list, wrapEdges(t, c)...)
}

// rangeEdges has r and s out of [1, q-1], where the same number modulo q would be valid, or where nothing would.
func rangeEdges(c *refCurve) (list []edge) {
	rnd := source("range")
	d, zero, one := c.random(rnd), new(big.Int), big.NewInt(1)
	q := c.mulTable(d, c.gTable)
	top := new(big.Int).Sub(new(big.Int).Lsh(one, uint(c.BitSize())), one)
	e := c.random(rnd)
	r, s := c.split(c.sign(d, c.random(rnd), c.join(e, zero)[:c.ByteLen()]))
	list = append(list,
		edge{name: "genuine", q: q, e: e, r: r, s: s, want: true},
		edge{name: "swapped", q: q, e: e, r: s, s: r},
		edge{name: "r = s = 0", q: q, e: e, r: zero, s: zero},
		edge{name: "r = s = 0 and e = 0", q: q, e: zero, r: zero, s: zero},
	)
	for _, n := range []struct {
		name   string
		number *big.Int
	}{{"0", zero}, {"1", one}, {"q-1", new(big.Int).Sub(c.q, one)}, {"q", c.q}, {"q+1", new(big.Int).Add(c.q, one)}, {"p", c.p},
		{"2^n-1", top}, {"2^(n-1)", new(big.Int).Lsh(one, uint(c.BitSize()-1))}} {
		list = append(list,
			edge{name: "r = " + n.name, q: q, e: e, r: n.number, s: s},
			edge{name: "s = " + n.name, q: q, e: e, r: r, s: n.number},
			edge{name: "both = " + n.name, q: q, e: e, r: n.number, s: n.number},
		)
	}
	// s + q fits into the octets when s is small: a signature that would be valid if s were reduced
	small := big.NewInt(7)
	k := c.random(rnd)
	r = new(big.Int).Mod(c.mulTable(k, c.gTable).x, c.q)
	e = c.mod(small, k)
	e.Sub(e, c.mod(r, d)).Mod(e, c.q)
	return append(list,
		edge{name: "s small", q: q, e: e, r: r, s: small, want: true},
		edge{name: "s small, plus q", q: q, e: e, r: r, s: new(big.Int).Add(small, c.q)})
}

// digestEdges has digests of every length and at the edges of their range. The digest counts modulo q.
func digestEdges(c *refCurve) (list []edge) {
	rnd := source("digest")
	d := c.random(rnd)
	q := c.mulTable(d, c.gTable)
	n := c.ByteLen()
	order := c.Order()
	beyond := bytes.Clone(order)
	beyond[n-1]++
	for _, digest := range []struct {
		name   string
		octets []byte
	}{
		{"no digest", []byte{}}, {"one octet", []byte{0x80}}, {"one octet short", bytes.Repeat([]byte{0xa5}, n-1)},
		{"all zero", make([]byte, n)}, {"all ones", bytes.Repeat([]byte{0xff}, n)}, {"digest = q", order},
		{"digest = q+1", beyond}, {"one octet too many", bytes.Repeat([]byte{0x5a}, n+1)},
		{"twice the length", bytes.Repeat([]byte{0xff}, 2*n)}, {"zero, and more behind", append(make([]byte, n), 1, 2, 3)},
	} {
		r, s := c.split(c.sign(d, c.random(rnd), digest.octets))
		list = append(list, edge{name: digest.name, q: q, digest: digest.octets, r: r, s: s, want: true})
		if len(digest.octets) > n {
			list = append(list, edge{name: digest.name + ", cut off", q: q, digest: digest.octets[:n], r: r, s: s, want: true},
				edge{name: digest.name + ", the other end", q: q, digest: digest.octets[len(digest.octets)-n:], r: r, s: s,
					want: bytes.Equal(digest.octets[len(digest.octets)-n:], digest.octets[:n])})
		}
	}
	return list
}

// keyEdges has keys that are near G, and scalars u1, u2 that are near zero.
func keyEdges(c *refCurve) (list []edge) {
	rnd := source("key")
	one := big.NewInt(1)
	half := new(big.Int).Rsh(c.q, 1)
	for _, d := range []*big.Int{one, big.NewInt(2), big.NewInt(3), half, new(big.Int).Add(half, one),
		new(big.Int).Sub(c.q, big.NewInt(2)), new(big.Int).Sub(c.q, one)} {
		for _, u := range []struct {
			name   string
			u1, u2 *big.Int
		}{
			{"u1 = 0", new(big.Int), c.random(rnd)}, {"u1 = 1", one, c.random(rnd)}, {"u2 = 1", c.random(rnd), one},
			{"u1 = u2 = 1", one, one}, {"u1 = q-1", new(big.Int).Sub(c.q, one), c.random(rnd)},
			{"u2 = q-1", c.random(rnd), new(big.Int).Sub(c.q, one)}, {"u2 = 2", c.random(rnd), big.NewInt(2)},
		} {
			e := c.forge(d, u.u1, u.u2)
			e.name = "d = " + d.Text(16) + ", " + u.name
			list = append(list, e)
		}
	}
	return list
}

// meetingEdges makes u1·G and u2·Q equal, so that their sum is a doubling, or opposite, so that it is the point at infinity.
func meetingEdges(c *refCurve) (list []edge) {
	rnd := source("meeting")
	for range 4 {
		d, t := c.random(rnd), c.random(rnd)
		q := c.mulTable(d, c.gTable)
		u2 := c.mod(t, c.inverse(d)) // u2·Q = t·G
		same := c.forge(d, t, u2)
		same.name = "u1·G = u2·Q"
		list = append(list, same)

		r, s := c.random(rnd), c.random(rnd)
		e := c.mod(r, d)
		list = append(list, edge{name: "u1·G = -u2·Q", q: q, e: e.Sub(c.q, e), r: r, s: s})
	}
	return list
}

// forge gives a valid signature of an unchosen digest, from u1 and u2: r is the x-coordinate of u1·G + u2·Q, s = r/u2 and e = u1·s.
// When the sum is infinity, there is none; r and s are 1 and u1 and u2 what they are.
func (c *refCurve) forge(d, u1, u2 *big.Int) edge {
	q := c.mulTable(d, c.gTable)
	sum := c.add(c.mulTable(u1, c.gTable), c.mulTable(c.mod(u2, d), c.gTable))
	r := big.NewInt(1)
	if sum.x != nil {
		r.Mod(sum.x, c.q)
	}
	s := c.mod(r, c.inverse(u2))
	return edge{q: q, e: c.mod(u1, s), r: r, s: s, want: sum.x != nil}
}

// wrapEdges has points whose x-coordinate is q or more: r is then x - q. Among random signatures on
// brainpoolP256r1 that happens once in 2^128. The
// public key is made to fit: Q = (R - u1·G)/u2 for a point R that is chosen.
func wrapEdges(t *testing.T, c *refCurve) []edge {
	rnd := source("wrap")
	aim := func(name string, x, r *big.Int, want bool) edge {
		point, ok := c.lift(x)
		if !ok {
			t.Fatalf("%s: no point at x = %x", name, x)
		}
		u1, u2 := c.random(rnd), c.random(rnd)
		q := c.mul(c.inverse(u2), c.add(point, c.neg(c.mulTable(u1, c.gTable))))
		s := c.mod(r, c.inverse(u2))
		return edge{name: name, q: q, e: c.mod(u1, s), r: r, s: s, want: want}
	}
	difference := func(x, y *big.Int) *big.Int { return new(big.Int).Sub(x, y) }
	one, spare := big.NewInt(1), difference(c.p, c.q)
	first := c.firstX(new(big.Int).Add(c.q, one), one)     // least x-coordinate above q
	last := c.firstX(difference(c.p, one), big.NewInt(-1)) // greatest of all
	small := c.firstX(one, one)                            // least, less than p - q
	middle := c.firstX(difference(c.q, one), big.NewInt(-1))
	return []edge{
		aim("x just above q, r = x - q", first, difference(first, c.q), true),
		aim("x just below p, r = x - q", last, difference(last, c.q), true),
		aim("x just below q, r = x", middle, middle, true),
		aim("x small, r = x", small, small, true),
		aim("x just above q, r = x - q + 1", first, new(big.Int).Add(difference(first, c.q), one), false),
		aim("x just above q, r = x", first, first, false),
		aim("x small, r = x + q", small, new(big.Int).Add(small, c.q), false),
		aim("x small, r = x + p", small, new(big.Int).Add(small, c.p), false),
		// r + q is x + p: a verifier that does not check that r + q is less than p takes it for x
		aim("x small, r = x + p - q", small, new(big.Int).Add(small, spare), false),
	}
}

// firstX gives the first x from start on, in steps, that is an x-coordinate of the curve.
func (c *refCurve) firstX(start, step *big.Int) *big.Int {
	for x := new(big.Int).Set(start); ; x.Add(x, step) {
		if _, ok := c.lift(x); ok {
			return x
		}
	}
}

// A signature that does not have exactly twice the length of the order is not valid, whatever it would be with leading zeros.
func TestSignatureLength(t *testing.T) {
	for _, c := range refCurves {
		t.Run(c.Name(), func(t *testing.T) {
			key, digest, sig := c.sample(t)
			verifier := NewVerifier(key)
			if !key.Verify(digest, sig) || !verifier.Verify(digest, sig) {
				t.Fatal("a genuine signature is not valid")
			}
			n := c.ByteLen()
			padded := append(append(append([]byte{0}, sig[:n]...), 0), sig[n:]...)
			for name, wrong := range map[string][]byte{"nil": nil, "r only": sig[:n], "cut at the front": sig[1:], "cut at the end": sig[:2*n-1],
				"one more at the front": append([]byte{0}, sig...), "one more at the end": append(bytes.Clone(sig), 0), "both padded": padded,
				"twice": append(bytes.Clone(sig), sig...)} {
				if key.Verify(digest, wrong) || verifier.Verify(digest, wrong) {
					t.Errorf("%s (%d octets): got valid, want not valid", name, len(wrong))
				}
			}
		})
	}
}
