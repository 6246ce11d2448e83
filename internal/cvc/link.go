package cvc

import "fmt"

// LinkBody makes the body of the link certificate with which one root vouches for another: the issuer for the subject, both self-signed
// (gemSpec_PKI, section 6.4.5.2). A pair of roots has one in each direction, so that cards that know either root accept what the other's
// sub-CAs sign. It takes effect with the younger of the two, and ends with the subject: a card does not hold it against the end of the
// issuer (gemSpec_COS, (N095.900) b.11.i). Errors wrap ErrIssuerRole or ErrHierarchy.
func LinkBody(subject, issuer *Certificate) (*Body, error) {
	for _, c := range []*Certificate{subject, issuer} {
		if ref, ok := c.CHR.Reference(); !ok || c.Role() != RoleRoot || ref != c.CAR {
			return nil, fmt.Errorf("%w: %s is no self-signed root", ErrIssuerRole, c.CHR)
		}
	}
	if subject.CAR == issuer.CAR {
		return nil, fmt.Errorf("%w: %s is one root and not two", ErrIssuerRole, issuer.CAR)
	}
	if subject.FlagOID != issuer.FlagOID {
		return nil, fmt.Errorf("%w: %s and %s", ErrHierarchy, subject.FlagOID, issuer.FlagOID)
	}
	b := subject.Body
	b.CAR = issuer.CAR
	if issuer.CED.After(b.CED) {
		b.CED = issuer.CED
	}
	return &b, nil
}
