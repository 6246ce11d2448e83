package main

import "github.com/siegel-pki/siegel/internal/rpc"

// ordersPerSession sizes what is worked at by the token: beside being signed, an order is drafted, linted and twice recorded, so that a session
// has work from one of two at any moment, and several orders share one sync of the disk.
const ordersPerSession = 2

// limits sizes what was left to the server by the sessions of the token. A stream may hold twice what is worked at, so that the next order is
// there when one leaves.
func (c lineConfig) limits(sessions int) rpc.Limits {
	atOnce := c.AtOnce
	if atOnce == 0 {
		atOnce = ordersPerSession * sessions
	}
	return rpc.Limits{Window: 2 * atOnce, AtOnce: atOnce, Quota: c.Quotas, Waiting: c.Waiting, Streams: c.Streams}
}
