package hierarchy

import (
	"errors"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/profiles"
)

// The life of an issuer in the list: it is added, perhaps with a date from which it takes orders; retired, when it signs for cards no more
// and its responder and CRL go on; and its key is destroyed. An issuer never leaves the list, since cards depend on its certificate.

// checkLife holds what a row says about it together.
func (row issuerRow) checkLife() error {
	switch {
	case !row.Destroyed.IsZero() && row.Retired.IsZero():
		return errors.New("its key is destroyed and it is not retired")
	case !row.Destroyed.IsZero() && (row.Key != "" || len(row.Profiles) > 0):
		return errors.New("its key is destroyed, and it has a key or profiles")
	case row.Destroyed.Before(row.Retired) && !row.Destroyed.IsZero():
		return errors.New("its key was destroyed before it was retired")
	}
	return nil
}

// Find gives the issuer or root of a name; nil if there is none.
func (h *Hierarchy) Find(name string) *Issuer {
	for i := range h.Issuers {
		if h.Issuers[i].Name == name {
			return &h.Issuers[i]
		}
	}
	return nil
}

// Retire takes an issuer of card certificates out of use. The key stays, for its CRL; see Destroy.
func (h *Hierarchy) Retire(name string, at time.Time) error {
	iss := h.Find(name)
	switch {
	case iss == nil:
		return fmt.Errorf("retire %q: it is not in the list", name)
	case !iss.Retired.IsZero():
		return fmt.Errorf("retire %q: it was retired at %s", name, iss.Retired.Format(time.RFC3339))
	case len(iss.Profiles) == 0:
		return fmt.Errorf("retire %q: it signs no cards", name)
	}
	iss.Retired = at
	return nil
}

// CheckDestroy tells why the key of an issuer must not be destroyed; nil where it may. The issuer must be retired. While its certificate
// is valid, its status services must be able to go on: an OCSP signer that it certified answers for its cards, and where cards name its CRL, no
// other key can sign that (RFC 5280, Section 6.3.3: the cards name no other CRL issuer).
func (h *Hierarchy) CheckDestroy(name string, now time.Time) error {
	iss := h.Find(name)
	if iss == nil {
		return fmt.Errorf("destroy the key of %q: it is not in the list", name)
	}
	_, last, limited := iss.Validity()
	over := limited && now.After(last)
	switch {
	case !iss.Destroyed.IsZero():
		return fmt.Errorf("destroy the key of %q: it was destroyed at %s", name, iss.Destroyed.Format(time.RFC3339))
	case iss.Retired.IsZero():
		return fmt.Errorf("destroy the key of %q: the issuer is in use; retire it first", name)
	case iss.CRLURL != "" && !over:
		return fmt.Errorf("destroy the key of %q: cards name its CRL, which no other key can sign until its certificate ends", name)
	case iss.OCSPURL != "" && !over && !h.hasSigner(name):
		return fmt.Errorf("destroy the key of %q: cards name its responder, and it has certified no OCSP signer that could go on", name)
	}
	return nil
}

// hasSigner tells whether an issuer has certified an OCSP signer whose key is there.
func (h *Hierarchy) hasSigner(name string) bool {
	for i := range h.Issuers {
		if s := &h.Issuers[i]; s.Kind == profiles.OCSPSigner && s.IssuedBy == name && len(s.KeyID) > 0 {
			return true
		}
	}
	return false
}

// Destroy records that the key of a retired issuer is gone.
func (h *Hierarchy) Destroy(name string, at time.Time) error {
	if err := h.CheckDestroy(name, at); err != nil {
		return err
	}
	iss := h.Find(name)
	iss.Destroyed, iss.KeyID, iss.Profiles = at, nil, nil
	return nil
}
