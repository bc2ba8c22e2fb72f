package exchange

// operation is one row of the service.
type operation struct {
	serve  func(*Server, *call)
	schema *element // of the request; nil: the operation checks it itself
	fault  string   // what a fault on it is on
}

// operations are by the local name of the request's element. It is filled at start-up, as handlers refer to it.
var operations map[string]operation

func init() {
	operations = map[string]operation{
		"Subscribe":          {(*Server).subscribe, schemaSubscribe, OnSubscribe},
		"Unsubscribe":        {(*Server).unsubscribe, schemaUnsubscribe, OnCall},
		"GetEvents":          {(*Server).getEvents, schemaGetEvents, OnCall},
		"GetStreamingEvents": {(*Server).listen, schemaListen, OnListen},

		"GetFolder":           {(*Server).getFolder, schemaGetFolder, OnCall},
		"FindFolder":          {(*Server).findFolders, schemaFindFolder, OnCall},
		"GetItem":             {(*Server).getItem, schemaGetItem, OnCall},
		"FindItem":            {(*Server).findItem, schemaFindItem, OnCall},
		"SyncFolderItems":     {(*Server).syncItems, schemaSyncItems, OnCall},
		"ConvertId":           {(*Server).convertID, schemaConvertID, OnCall},
		"SyncFolderHierarchy": {(*Server).syncHierarchy, schemaSyncHierarchy, OnCall},
	}
}
