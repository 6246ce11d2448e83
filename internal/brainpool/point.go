package brainpool

// affine is a point (x, y), not the point at infinity, with both coordinates in Montgomery form.
type affine[E limbs] struct{ x, y E }

// jacobian is the point (x/z², y/z³), or the point at infinity when z = 0; coordinates in Montgomery form. The zero value is the
// point at infinity.
type jacobian[E limbs] struct{ x, y, z E }

func (p *jacobian[E]) isInfinity() bool { return isZero(&p.z) }

// set makes p the affine point a.
func (p *jacobian[E]) set(f *modulus[E], a *affine[E]) { p.x, p.y, p.z = a.x, a.y, f.one }

// double sets p = 2·p on y² = x³ - 3x + b, for every p: the point at infinity keeps its z = 0, and a point of order two, which
// would get it, does not exist on these curves. Eight multiplications (formula dbl-2001-b with 2yz for z, Bernstein, in
// the Explicit-Formulas Database).
func (p *jacobian[E]) double(f *modulus[E]) {
	var delta, gamma, beta, alpha, t E
	f.sqr(&delta, &p.z)
	f.sqr(&gamma, &p.y)
	f.mul(&beta, &p.x, &gamma)

	// alpha = 3·(x - delta)·(x + delta)
	f.sub(&t, &p.x, &delta)
	f.add(&alpha, &p.x, &delta)
	f.mul(&t, &t, &alpha)
	f.add(&alpha, &t, &t)
	f.add(&alpha, &alpha, &t)

	// z = 2·y·z
	f.mul(&p.z, &p.y, &p.z)
	f.add(&p.z, &p.z, &p.z)

	// x = alpha² - 8·beta
	f.add(&beta, &beta, &beta)
	f.add(&beta, &beta, &beta)
	f.sqr(&p.x, &alpha)
	f.sub(&p.x, &p.x, &beta)
	f.sub(&p.x, &p.x, &beta)

	// y = alpha·(4·beta - x) - 8·gamma²
	f.add(&gamma, &gamma, &gamma)
	f.sqr(&gamma, &gamma)
	f.add(&gamma, &gamma, &gamma)
	f.sub(&beta, &beta, &p.x)
	f.mul(&p.y, &alpha, &beta)
	f.sub(&p.y, &p.y, &gamma)
}

// add sets p = p + a, for every p and a: also when p is infinity, equal to a, or its opposite. Eleven multiplications.
func (p *jacobian[E]) add(f *modulus[E], a *affine[E]) {
	if p.isInfinity() {
		p.set(f, a)
		return
	}
	// h = a.x·z² - x and r = a.y·z³ - y
	var zz, h, r E
	f.sqr(&zz, &p.z)
	f.mul(&h, &a.x, &zz)
	f.sub(&h, &h, &p.x)
	f.mul(&zz, &zz, &p.z)
	f.mul(&r, &a.y, &zz)
	f.sub(&r, &r, &p.y)
	if isZero(&h) {
		if isZero(&r) {
			p.double(f)
		} else {
			*p = jacobian[E]{}
		}
		return
	}

	// x' = r² - h³ - 2·x·h², y' = r·(x·h² - x') - y·h³, z' = z·h
	var hh, hhh, v E
	f.sqr(&hh, &h)
	f.mul(&hhh, &hh, &h)
	f.mul(&v, &p.x, &hh)
	f.mul(&p.z, &p.z, &h)

	f.sqr(&p.x, &r)
	f.sub(&p.x, &p.x, &hhh)
	f.sub(&p.x, &p.x, &v)
	f.sub(&p.x, &p.x, &v)

	f.sub(&v, &v, &p.x)
	f.mul(&v, &v, &r)
	f.mul(&hhh, &hhh, &p.y)
	f.sub(&p.y, &v, &hhh)
}

// addSigned adds a, or its opposite.
func (p *jacobian[E]) addSigned(f *modulus[E], a *affine[E], negative bool) {
	if !negative {
		p.add(f, a)
		return
	}
	opposite := affine[E]{x: a.x}
	f.sub(&opposite.y, &opposite.y, &a.y)
	p.add(f, &opposite)
}

// normalize divides the z out of points that are not infinity, with one inversion for all: each point's z is divided out of
// the inverse of the product of all (Montgomery's trick).
func normalize[E limbs](f *modulus[E], points []jacobian[E]) []affine[E] {
	before := make([]E, len(points)) // product of the z of all earlier points
	product := f.one
	for i := range points {
		before[i] = product
		f.mul(&product, &product, &points[i].z)
	}
	var rest E // inverse of the product of the z of all points up to i
	f.inverseMontgomery(&rest, &product)

	out := make([]affine[E], len(points))
	for i := len(points) - 1; i >= 0; i-- {
		p := &points[i]
		var inv, power E
		f.mul(&inv, &rest, &before[i])
		f.mul(&rest, &rest, &p.z)
		f.sqr(&power, &inv)
		f.mul(&out[i].x, &p.x, &power)
		f.mul(&power, &power, &inv)
		f.mul(&out[i].y, &p.y, &power)
	}
	return out
}
