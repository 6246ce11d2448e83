package brainpool

// Verifier verifies the signatures of one key from a table: of an issuer's key, say, which checks each signature that the
// token gives back. It never changes and is safe for concurrent use.
type Verifier struct {
	key   *PublicKey
	table verifier
}

// NewVerifier makes the table, which costs about as much as four calls of PublicKey.Verify and takes 32 KiB of memory on
// brainpoolP256r1, 48 KiB on brainpoolP384r1 and 64 KiB on brainpoolP512r1.
func NewVerifier(k *PublicKey) *Verifier { return &Verifier{key: k, table: k.point.tabled()} }

// PublicKey is the key whose signatures it verifies.
func (v *Verifier) PublicKey() *PublicKey { return v.key }

// Verify gives the same answer as PublicKey.Verify.
func (v *Verifier) Verify(digest, sig []byte) bool { return v.table.verify(digest, sig) }
