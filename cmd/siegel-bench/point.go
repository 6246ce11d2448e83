package main

import "math/big"

// points walks over brainpoolP256r1: each point is the one before plus the generator, which costs one inversion, where a random point costs a
// square root. Nobody needs the private keys. Not for concurrent use.
type points struct {
	x, y *big.Int
}

var (
	p256P  = number("A9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377")
	p256GX = number("8BD2AEB9CB7E57CB2C4B482FFC81B7AFB9DE27E1E3BD23C23A4453BD9ACE3262")
	p256GY = number("547EF835C3DAC4FD97F8461A14611DC9C27745132DED8E545C1D54C72F046997")
)

func number(hex string) *big.Int {
	n, _ := new(big.Int).SetString(hex, 16)
	return n
}

// pointsFrom begins after a point: 04, x and y.
func pointsFrom(point []byte) *points {
	return &points{new(big.Int).SetBytes(point[1:33]), new(big.Int).SetBytes(point[33:65])}
}

// next writes x and y of the next point, 64 octets.
func (p *points) next(out []byte) {
	slope := new(big.Int).Sub(p256GX, p.x)
	slope.ModInverse(slope.Mod(slope, p256P), p256P)
	slope.Mul(slope, new(big.Int).Sub(p256GY, p.y)).Mod(slope, p256P)
	x := new(big.Int).Mul(slope, slope)
	x.Sub(x.Sub(x, p.x), p256GX).Mod(x, p256P)
	y := new(big.Int).Sub(p.x, x)
	y.Mul(y, slope).Sub(y, p.y).Mod(y, p256P)
	p.x, p.y = x, y
	x.FillBytes(out[:32])
	y.FillBytes(out[32:64])
}
