package hierarchy

import (
	"fmt"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// parseG1 reads the file of a CVC issuer of generation 1: the key of a root, or the certificate of a sub-CA. The certificate stays sealed
// until the chain is checked, since it takes the root's key to see the key in it.
func (iss *Issuer) parseG1(raw []byte) (err error) {
	if iss.KeyType != sigalg.R2048 {
		return fmt.Errorf("CV certificates of generation 1 hold keys of type %s, the list says %s", sigalg.R2048, iss.KeyType)
	}
	if iss.Kind == profiles.CVCRootCA {
		iss.G1, err = cvc.ParseG1Root(raw)
		return err
	}
	iss.sealed, err = cvc.ParseG1(raw)
	return err
}

// openG1 opens the certificate of a sub-CA with the key of the root above it. The key of a root is trusted as it is.
func (iss *Issuer) openG1(above *Issuer) (err error) {
	if iss.sealed == nil {
		return nil
	}
	if above.G1 == nil {
		return fmt.Errorf("%q is of another generation, or no root", above.Name)
	}
	if iss.G1, err = iss.sealed.OpenCA(above.G1); err != nil {
		return err
	}
	iss.sealed = nil
	return nil
}
