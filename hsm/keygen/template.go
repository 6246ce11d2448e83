package keygen

import (
	"errors"
	"fmt"

	"github.com/siegel-pki/siegel/hsm/internal/p11"
)

// maxID is more than any scheme of CKA_IDs needs; some tokens take no more.
const maxID = 64

// templates are what C_GenerateKeyPair is given for a Spec.
func (spec Spec) templates() (p11.Templates, error) {
	if n := len(spec.ID); n == 0 || n > maxID {
		return p11.Templates{}, fmt.Errorf("CKA_ID has %d octets, want 1 to %d", n, maxID)
	}
	if spec.Label == "" {
		return p11.Templates{}, errors.New("key has no label")
	}
	return p11.Pair{ID: spec.ID, Label: spec.Label, Type: spec.Type, Token: true}.Templates()
}
