package exchange

import "fmt"

// ServerVersion is what every answer says of the server.
type ServerVersion struct {
	Major, Minor, MajorBuild, MinorBuild int
	// Name is the Version that the server gives as its own.
	Name string
	// Schema is the newest RequestServerVersion that it takes.
	Schema string
}

// Versions of servers in the field.
var (
	VersionSE   = ServerVersion{15, 2, 2562, 17, "V2017_07_11", "V2017_07_11"}
	Version2013 = ServerVersion{15, 0, 1497, 2, "V2_23", "Exchange2013_SP1"}
	Version2010 = ServerVersion{14, 3, 513, 0, "Exchange2010_SP2", "Exchange2010_SP2"}
)

func (v ServerVersion) attributes() string {
	return fmt.Sprintf(`MajorVersion="%d" MinorVersion="%d" MajorBuildNumber="%d" MinorBuildNumber="%d" Version="%s"`,
		v.Major, v.Minor, v.MajorBuild, v.MinorBuild, v.Name)
}
