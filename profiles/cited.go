package profiles

// Cited is a value of a data file with the place it comes from, written {value: ..., source: ...}.
type Cited[T any] struct {
	Value  T
	Source string // for example "gemSpec_PKI, Tab_PKI_238"

	at position
}

// Occurs is a cardinality, as the tables of gemSpec_PKI write it.
type Occurs string

// The cardinalities.
const (
	Never    Occurs = "0"
	Always   Occurs = "1"
	Optional Occurs = "0-1"
)

// narrows tells whether a rule o leaves no more freedom than a rule wide.
func (o Occurs) narrows(wide Occurs) bool { return wide == Optional || o == wide }

// position is a place in a data file.
type position struct {
	file string
	line int
}
