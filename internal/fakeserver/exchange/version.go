package exchange

import (
	"fmt"
	"slices"
)

// ServerVersion is what every answer says of the server.
type ServerVersion struct {
	Major, Minor, MajorBuild, MinorBuild int
	// Name is the Version that the server gives as its own; "": it gives none, as Exchange 2007.
	Name string
	// Schema is the newest RequestServerVersion that it takes.
	Schema string
}

// Versions of servers in the field.
var (
	VersionSE   = ServerVersion{15, 2, 2562, 17, "V2017_07_11", "V2017_07_11"}
	Version2013 = ServerVersion{15, 0, 1497, 2, "V2_23", "Exchange2013_SP1"}
	Version2010 = ServerVersion{14, 3, 513, 0, "Exchange2010_SP2", "Exchange2010_SP2"}
	// Version2010RTM and Version2007 are from before streams.
	Version2010RTM = ServerVersion{14, 0, 726, 0, "Exchange2010", "Exchange2010"}
	Version2007    = ServerVersion{8, 3, 537, 0, "", "Exchange2007_SP1"}
)

// VersionNamed finds one of them by its newest RequestServerVersion.
func VersionNamed(schema string) (ServerVersion, bool) {
	all := []ServerVersion{VersionSE, Version2013, Version2010, Version2010RTM, Version2007}
	i := slices.IndexFunc(all, func(v ServerVersion) bool { return v.Schema == schema })
	if i < 0 {
		return ServerVersion{}, false
	}
	return all[i], true
}

func (v ServerVersion) attributes() string {
	numbers := fmt.Sprintf(`MajorVersion="%d" MinorVersion="%d" MajorBuildNumber="%d" MinorBuildNumber="%d"`, v.Major, v.Minor, v.MajorBuild, v.MinorBuild)
	if v.Name == "" {
		return numbers
	}
	return numbers + ` Version="` + v.Name + `"`
}
