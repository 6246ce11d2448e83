package brainpool

// equation is what a signature (r, s) claims of a digest e: that the x-coordinate of u1·G + u2·Q is r modulo q, with u1 = e/s and
// u2 = r/s modulo q (FIPS 186-5, Section 6.4.2). Plain numbers.
type equation[E limbs] struct{ u1, u2, r E }

// newEquation reads r||s, and refuses it unless both are in [1, q-1] and of full length. The leftmost bits of the digest count,
// as many as q has; a shorter digest counts whole.
func (g *group[E]) newEquation(digest, sig []byte) (eq equation[E], ok bool) {
	size := 8 * len(eq.r)
	if len(sig) != 2*size {
		return eq, false
	}
	r, s := fromBytes[E](sig[:size]), fromBytes[E](sig[size:])
	f := g.scalars
	if isZero(&r) || isZero(&s) || !f.has(&r) || !f.has(&s) {
		return eq, false
	}
	e := fromBytes[E](digest[:min(len(digest), size)])

	w := f.inverse(&s)
	f.toMontgomery(&w, &w)
	f.mul(&eq.u1, &e, &w) // e need not be less than q for that
	f.mul(&eq.u2, &r, &w)
	eq.r = r
	return eq, true
}

// verifier checks signatures of one key: digest, then r||s.
type verifier interface {
	verify(digest, sig []byte) bool
}

// point is a public key as its curve's arithmetic holds it. It hides the size of the numbers.
type point interface {
	verifier
	tabled() verifier // with a comb: slow to make, fast to use
}

// groupPoint is a point for few signatures.
type groupPoint[E limbs] struct {
	g *group[E]
	p affine[E]
}

func (k *groupPoint[E]) verify(digest, sig []byte) bool {
	eq, ok := k.g.newEquation(digest, sig)
	if !ok {
		return false
	}
	sum := k.g.multiply(&eq.u1, &eq.u2, &k.p)
	return k.g.matches(&sum, &eq.r)
}

func (k *groupPoint[E]) tabled() verifier { return &groupComb[E]{k.g, newComb(k.g.field, &k.p)} }

// groupComb is a point for many signatures.
type groupComb[E limbs] struct {
	g     *group[E]
	table *comb[E]
}

func (k *groupComb[E]) verify(digest, sig []byte) bool {
	eq, ok := k.g.newEquation(digest, sig)
	if !ok {
		return false
	}
	sum := k.g.multiplyComb(&eq.u1, &eq.u2, k.table)
	return k.g.matches(&sum, &eq.r)
}
