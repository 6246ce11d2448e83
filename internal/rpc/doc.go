// Package rpc is the gRPC face of the authority: who may call what, the shape of requests, and how answers and errors read on
// the wire. Wire types stop here; below it an order is a profiles.Order and a card a ca.Card.
//
// The road of a call, in the order in which it is taken:
//
//	TLS 1.3     handshake: a client certificate on P-256 from the operators' CA              tls.go
//	observe     request id, log line, error table, a panic becomes INTERNAL                  observe.go
//	authorize   certificate → operator (pinned by fingerprint) → role → method              access.go
//	decode      octets → message, which is the first look at what was sent                   guard.go
//	validate    shape: lengths, mandatory fields (protovalidate, the rules are in the .proto) validate.go
//	handler     translate, call the authority, translate back                 issuance.go, authority.go
//
// The order matters: a stranger learns nothing about the shape of requests, and whatever goes wrong is logged under the
// request id that the caller was told.
//
// Where to look:
//
//   - server.go: Server, its limits, its start and its end
//   - health.go: health, as far as the rest of the program says that it is ready
//   - guard.go: where every method is put behind this road
//   - roles.go: roles and the table of roles that exclude each other
//   - operators.go: the operator file
//   - access.go: the table of methods and the roles that may call them
//   - approval.go: acts that need two people, and key sessions
//   - errors.go: the table of error kinds and status codes
//   - issuecards.go: a stream of orders; queue.go: whose order is worked at when, and what is refused before memory grows
//   - order.go, card.go: the translations
//
// Nothing that this package logs or answers holds personal data of a card holder, except the order's own content in the
// answer to it.
package rpc
