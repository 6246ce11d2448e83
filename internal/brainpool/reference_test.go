package brainpool

import (
	"math/big"
	"math/rand/v2"
)

// A second implementation of the curves and of ECDSA: schoolbook formulas over math/big, with the curve equation as RFC 5639
// states it and nothing of the package under test. It also signs, which the package cannot.

type refCurve struct {
	*Curve
	p, a, b, q *big.Int
	g          refPoint
	gTable     refTable
}

// refPoint is the point at infinity when x is nil.
type refPoint struct{ x, y *big.Int }

func hexInt(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 16)
	if !ok {
		panic("not a number: " + s)
	}
	return n
}

// RFC 5639, Sections 3.4, 3.6 and 3.7.
var refCurves = []*refCurve{
	newRefCurve(P256r1(),
		"A9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377",
		"7D5A0975FC2C3057EEF67530417AFFE7FB8055C126DC5C6CE94A4B44F330B5D9",
		"26DC5C6CE94A4B44F330B5D9BBD77CBF958416295CF7E1CE6BCCDC18FF8C07B6",
		"8BD2AEB9CB7E57CB2C4B482FFC81B7AFB9DE27E1E3BD23C23A4453BD9ACE3262",
		"547EF835C3DAC4FD97F8461A14611DC9C27745132DED8E545C1D54C72F046997",
		"A9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7"),
	newRefCurve(P384r1(),
		"8CB91E82A3386D280F5D6F7E50E641DF152F7109ED5456B412B1DA197FB71123ACD3A729901D1A71874700133107EC53",
		"7BC382C63D8C150C3C72080ACE05AFA0C2BEA28E4FB22787139165EFBA91F90F8AA5814A503AD4EB04A8C7DD22CE2826",
		"04A8C7DD22CE28268B39B55416F0447C2FB77DE107DCD2A62E880EA53EEB62D57CB4390295DBC9943AB78696FA504C11",
		"1D1C64F068CF45FFA2A63A81B7C13F6B8847A3E77EF14FE3DB7FCAFE0CBD10E8E826E03436D646AAEF87B2E247D4AF1E",
		"8ABE1D7520F9C2A45CB1EB8E95CFD55262B70B29FEEC5864E19C054FF99129280E4646217791811142820341263C5315",
		"8CB91E82A3386D280F5D6F7E50E641DF152F7109ED5456B31F166E6CAC0425A7CF3AB6AF6B7FC3103B883202E9046565"),
	newRefCurve(P512r1(),
		"AADD9DB8DBE9C48B3FD4E6AE33C9FC07CB308DB3B3C9D20ED6639CCA703308717D4D9B009BC66842AECDA12AE6A380E62881FF2F2D82C68528AA6056583A48F3",
		"7830A3318B603B89E2327145AC234CC594CBDD8D3DF91610A83441CAEA9863BC2DED5D5AA8253AA10A2EF1C98B9AC8B57F1117A72BF2C7B9E7C1AC4D77FC94CA",
		"3DF91610A83441CAEA9863BC2DED5D5AA8253AA10A2EF1C98B9AC8B57F1117A72BF2C7B9E7C1AC4D77FC94CADC083E67984050B75EBAE5DD2809BD638016F723",
		"81AEE4BDD82ED9645A21322E9C4C6A9385ED9F70B5D916C1B43B62EEF4D0098EFF3B1F78E2D0D48D50D1687B93B97D5F7C6D5047406A5E688B352209BCB9F822",
		"7DDE385D566332ECC0EABFA9CF7822FDF209F70024A57B1AA000C55B881F8111B2DCDE494A5F485E5BCA4BD88A2763AED1CA2B2FA8F0540678CD1E0F3AD80892",
		"AADD9DB8DBE9C48B3FD4E6AE33C9FC07CB308DB3B3C9D20ED6639CCA70330870553E5C414CA92619418661197FAC10471DB1D381085DDADDB58796829CA90069"),
}

func newRefCurve(c *Curve, p, a, b, x, y, q string) *refCurve {
	r := &refCurve{Curve: c, p: hexInt(p), a: hexInt(a), b: hexInt(b), q: hexInt(q), g: refPoint{hexInt(x), hexInt(y)}}
	r.gTable = r.table(r.g)
	return r
}

// rhs gives x³ + a·x + b.
func (c *refCurve) rhs(x *big.Int) *big.Int {
	n := new(big.Int).Mul(x, x)
	n.Add(n, c.a).Mul(n, x).Add(n, c.b)
	return n.Mod(n, c.p)
}

func (c *refCurve) contains(p refPoint) bool {
	y2 := new(big.Int).Mul(p.y, p.y)
	return y2.Mod(y2, c.p).Cmp(c.rhs(p.x)) == 0
}

// lift gives the point with x-coordinate x, if there is one.
func (c *refCurve) lift(x *big.Int) (refPoint, bool) {
	y := new(big.Int).ModSqrt(c.rhs(x), c.p)
	return refPoint{x, y}, y != nil
}

func (c *refCurve) neg(p refPoint) refPoint {
	if p.x == nil {
		return p
	}
	return refPoint{p.x, new(big.Int).Sub(c.p, p.y)} // no point has y = 0: the order is odd
}

func (c *refCurve) add(p, q refPoint) refPoint {
	if p.x == nil {
		return q
	}
	if q.x == nil {
		return p
	}
	slope, d := new(big.Int), new(big.Int)
	if p.x.Cmp(q.x) != 0 {
		d.Sub(q.x, p.x)
		slope.Sub(q.y, p.y)
	} else if p.y.Cmp(q.y) == 0 {
		d.Lsh(p.y, 1)
		slope.Mul(p.x, p.x)
		slope.Mul(slope, big.NewInt(3)).Add(slope, c.a)
	} else {
		return refPoint{}
	}
	d.ModInverse(d.Mod(d, c.p), c.p)
	slope.Mul(slope, d).Mod(slope, c.p)
	x := new(big.Int).Mul(slope, slope)
	x.Sub(x, p.x).Sub(x, q.x).Mod(x, c.p)
	y := new(big.Int).Sub(p.x, x)
	y.Mul(y, slope).Sub(y, p.y).Mod(y, c.p)
	return refPoint{x, y}
}

// mul gives k·P, for k ≥ 0, by doubling and adding.
func (c *refCurve) mul(k *big.Int, p refPoint) (sum refPoint) {
	for i := k.BitLen() - 1; i >= 0; i-- {
		sum = c.add(sum, sum)
		if k.Bit(i) == 1 {
			sum = c.add(sum, p)
		}
	}
	return sum
}

// refTable has, for each group of four bits of a scalar, the multiples by 0 to 15 of P times the group's weight. It makes thousands
// of multiplications bearable.
type refTable [][16]refPoint

func (c *refCurve) table(p refPoint) (t refTable) {
	for range c.BitSize() / 4 {
		var row [16]refPoint
		for i := 1; i < 16; i++ {
			row[i] = c.add(row[i-1], p)
		}
		t = append(t, row)
		p = c.add(row[15], p)
	}
	return t
}

func (c *refCurve) mulTable(k *big.Int, t refTable) (sum refPoint) {
	for i := range t {
		digit := k.Bit(4*i) | k.Bit(4*i+1)<<1 | k.Bit(4*i+2)<<2 | k.Bit(4*i+3)<<3
		sum = c.add(sum, t[i][digit])
	}
	return sum
}

// encode gives 04||X||Y.
func (c *refCurve) encode(p refPoint) []byte {
	n := c.ByteLen()
	b := make([]byte, 1+2*n)
	b[0] = 4
	p.x.FillBytes(b[1 : 1+n])
	p.y.FillBytes(b[1+n:])
	return b
}

// number gives the digest as a number: its leftmost bits, as many as q has.
func (c *refCurve) number(digest []byte) *big.Int {
	e := new(big.Int).SetBytes(digest)
	if excess := 8*len(digest) - c.q.BitLen(); excess > 0 {
		e.Rsh(e, uint(excess))
	}
	return e
}

// join gives r||s.
func (c *refCurve) join(r, s *big.Int) []byte {
	n := c.ByteLen()
	sig := make([]byte, 2*n)
	r.FillBytes(sig[:n])
	s.FillBytes(sig[n:])
	return sig
}

func (c *refCurve) split(sig []byte) (r, s *big.Int) {
	n := len(sig) / 2
	return new(big.Int).SetBytes(sig[:n]), new(big.Int).SetBytes(sig[n:])
}

// sign signs with private key d and nonce k.
func (c *refCurve) sign(d, k *big.Int, digest []byte) []byte {
	return c.signAt(d, k, c.mulTable(k, c.gTable), digest)
}

// signAt signs when k·G is known already.
func (c *refCurve) signAt(d, k *big.Int, kG refPoint, digest []byte) []byte {
	r := new(big.Int).Mod(kG.x, c.q)
	s := new(big.Int).Mul(r, d)
	s.Add(s, c.number(digest)).Mul(s, c.inverse(k)).Mod(s, c.q)
	return c.join(r, s)
}

// verify verifies. It is told how to multiply the public key: by its table, or without.
func (c *refCurve) verify(multiply func(k *big.Int) refPoint, digest, sig []byte) bool {
	if len(sig) != 2*c.ByteLen() {
		return false
	}
	r, s := c.split(sig)
	if r.Sign() == 0 || s.Sign() == 0 || r.Cmp(c.q) >= 0 || s.Cmp(c.q) >= 0 {
		return false
	}
	w := c.inverse(s)
	u1, u2 := c.mod(c.number(digest), w), c.mod(r, w)
	sum := c.add(c.mulTable(u1, c.gTable), multiply(u2))
	return sum.x != nil && new(big.Int).Mod(sum.x, c.q).Cmp(r) == 0
}

// mod gives the product of numbers modulo q.
func (c *refCurve) mod(factors ...*big.Int) *big.Int {
	n := big.NewInt(1)
	for _, f := range factors {
		n.Mul(n, f).Mod(n, c.q)
	}
	return n
}

func (c *refCurve) inverse(n *big.Int) *big.Int { return new(big.Int).ModInverse(n, c.q) }

// random gives a number in [1, q-1].
func (c *refCurve) random(rnd *rand.ChaCha8) *big.Int {
	b := make([]byte, c.ByteLen()+16)
	rnd.Read(b)
	n := new(big.Int).SetBytes(b)
	n.Mod(n, new(big.Int).Sub(c.q, big.NewInt(1)))
	return n.Add(n, big.NewInt(1))
}

// source gives the same random numbers in every run, so that a failure can be looked at again.
func source(story string) *rand.ChaCha8 {
	var seed [32]byte
	copy(seed[:], story)
	return rand.NewChaCha8(seed)
}
