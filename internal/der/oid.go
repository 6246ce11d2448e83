package der

import (
	"encoding/asn1"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ParseOID reads an object identifier in dotted form, for example "1.2.276.0.76.4.77". It takes what can be encoded: two
// arcs or more, the first at most 2, the second below 40 under 0 and 1 (X.660, Section 7.6), each at most 2^31-1 and
// without leading zeros.
func ParseOID(text string) (asn1.ObjectIdentifier, error) {
	parts := strings.Split(text, ".")
	oid := make(asn1.ObjectIdentifier, len(parts))
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 31)
		if err != nil || strconv.FormatUint(n, 10) != p {
			return nil, fmt.Errorf("object identifier %q: arc %d is not a number from 0 to 2147483647", text, i+1)
		}
		oid[i] = int(n)
	}
	if len(oid) < 2 || oid[0] > 2 || oid[0] < 2 && oid[1] >= 40 || oid[1] > math.MaxInt32-80 {
		return nil, fmt.Errorf("object identifier %q: the first two arcs are outside the tree", text)
	}
	return oid, nil
}
