package lint

import (
	"bytes"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/cvc"
)

// checkIssuerIsCA reads the certificate of the issuer: whoever relies on the chain will refuse what another key than a CA's has signed.
func checkIssuerIsCA(d x509Draft) string {
	if d.context.Issuer == nil {
		return "" // BASIC_CONSTRAINTS and KEY_USAGE judge the draft itself
	}
	issuer, err := readTBS(d.context.Issuer.RawTBS)
	if err != nil {
		return "issuer's certificate cannot be read: " + err.Error()
	}
	switch ca, below := issuer.mayCertify(); {
	case !ca:
		return "issuer's certificate says that it is no CA"
	case below == 0 && d.want.isCA():
		return "issuer's certificate says that no CA is below it"
	case !issuer.hasUsage(keyCertSign):
		return "issuer's key is not for signing certificates"
	}
	return ""
}

// mayCertify reads basicConstraints: whether the holder is a CA, and how many CAs may stand below it in a chain; -1 for any number.
func (t *tbsCertificate) mayCertify() (ca bool, below int) {
	v, _ := t.find(oidBasicConstraints)
	in, below := cryptobyte.String(v), -1
	var constraints, flag, pathLen cryptobyte.String
	var hasFlag, hasLength bool
	if !in.ReadASN1(&constraints, tag.SEQUENCE) || !in.Empty() ||
		!constraints.ReadOptionalASN1(&flag, &hasFlag, tag.BOOLEAN) ||
		!constraints.ReadOptionalASN1(&pathLen, &hasLength, tag.INTEGER) || !constraints.Empty() {
		return false, 0
	}
	ca = hasFlag && string(flag) == "\xff"
	if hasLength {
		below = 0
		for _, octet := range pathLen {
			below = min(below<<8|int(octet), anyNumber)
		}
	}
	return ca, below
}

// hasUsage tells whether keyUsage has a bit.
func (t *tbsCertificate) hasUsage(bit uint16) bool {
	v, _ := t.find(oidKeyUsage)
	in := cryptobyte.String(v)
	var octets cryptobyte.String
	if !in.ReadASN1(&octets, tag.BIT_STRING) || len(octets) < 2 {
		return false
	}
	mask := bits(bit)
	return octets[1]&mask[len(mask)-1] != 0
}

// CVCKind is a kind of issuer of CV certificates.
type CVCKind string

// The kinds.
const (
	CVCRoot     CVCKind = "CVC-Root-CA"        // certifies sub-CAs
	CVCSubCA    CVCKind = "CVC-CA of SMC-B"    // certifies cards of institutions, and HBA
	CVCDeviceCA CVCKind = "CVC-CA of gSMC-K/T" // certifies cards of devices
)

// rows gives what the rights of an issuer must lie within: the combined rows of gemSpec_PKI, Tab_PKI_919-02, of which every other row is a
// part. The second is that of gemSpec_PKI 2.11.1, which had bit 17 too.
var rows = map[CVCKind][]flagList{
	CVCRoot:     {rights("ffffffffffffff")},
	CVCSubCA:    {rights("80ff3bdfe1ff0c"), rights("80ff7bdfe1ff0c")},
	CVCDeviceCA: {rights("80000000000003")},
}

// cvcIssuer is the certificate of an issuer of CV certificates.
type cvcIssuer struct {
	*cvcBody
	kind CVCKind
}

// CVCIssuer judges the certificate of an issuer of CV certificates of generation 2, a data object 7F4E, by what it must be to sign as the
// kind that it is taken for. That it is well made is for those who signed it.
func CVCIssuer(body []byte, kind CVCKind) []Finding {
	b, err := readCVC(body)
	if err != nil {
		return []Finding{{"CVC_SHAPE", Error, "gemSpec_PKI, Tab_PKI_905", err.Error()}}
	}
	return judge(cvcIssuerRules, cvcIssuer{b, kind}, "")
}

// cvcIssuerRules are all rules on issuers of CV certificates of generation 2.
var cvcIssuerRules = []rule[cvcIssuer]{
	{"CVC_CA_NAME", Error, "gemSpec_PKI, GS-A_4990, Tab_PKI_266", "The key of a root is named as one that signs for CAs, that of a sub-CA as one that signs for cards.", checkCAName},
	{"CVC_CA_ROLE", Error, "gemSpec_PKI, section 6.4.6", "The flag list of the hierarchy oid_cvc_fl_ti says: root, or CA below a root.", checkCARole},
	{"CVC_CA_FLAGS", Error, "gemSpec_PKI, GS-A_5213-02, Tab_PKI_919-02", "The rights lie within the row of the kind.", checkCAFlags},
}

func checkCAName(i cvcIssuer) string {
	want := byte(1)
	if i.kind == CVCRoot {
		want = 8
	}
	if len(i.chr) != 8 || i.chr[5]>>4 != want {
		return fmt.Sprintf("CHR is %X, want 8 octets with service indicator %d", i.chr, want)
	}
	if len(i.car) != 8 || i.car[5]>>4 != 8 {
		return fmt.Sprintf("CAR is %X, want that of a root", i.car)
	}
	return ""
}

func checkCARole(i cvcIssuer) string {
	want := byte(0b10)
	if i.kind == CVCRoot {
		want = 0b11
	}
	if !bytes.Equal(i.flagOID, flagsTI) || i.list()[0]>>6 != want {
		return fmt.Sprintf("flag list %X does not make the holder a %s", i.flags, i.kind)
	}
	return ""
}

func checkCAFlags(i cvcIssuer) string {
	for _, row := range rows[i.kind] {
		within := true
		for n, have := range i.list() {
			within = within && have&^row[n] == 0
		}
		if within {
			return ""
		}
	}
	return fmt.Sprintf("flag list %X has rights that a %s cannot have", i.flags, i.kind)
}

// g1Issuer is an issuer of CV certificates of generation 1.
type g1Issuer struct {
	*cvc.G1CA
	root bool
}

// G1Issuer judges an issuer of CV certificates of generation 1 by what it must be to sign as root or sub-CA. It has no flag list; its
// names say what it is.
func G1Issuer(ca *cvc.G1CA, root bool) []Finding { return judge(g1IssuerRules, g1Issuer{ca, root}, "") }

var g1IssuerRules = []rule[g1Issuer]{
	{"G1_CA_ROLE", Error, "gemKPT_PKI_TIP, TIP1-A_2167", "A root names itself, a sub-CA is certified by a root of another name.", checkG1CARole},
}

func checkG1CARole(i g1Issuer) string {
	if own := bytes.Equal(i.CHR.Bytes(), i.CAR[:]); len(i.CHR.Bytes()) != 8 || own != i.root {
		return fmt.Sprintf("the key of %s, certified by %s, is not in the place of its kind", i.CHR, i.CAR)
	}
	return ""
}
