// Package service has what the clients of Exchange's services have in common,
// whatever protocol they speak: tokens that are not sent again once refused,
// the claims a refusal asks for, what the services say about how they handled a
// request, and texts of theirs that can be shown.
package service
