package doctor

// postfixNeighbours are about what runs beside postseal: other-milters, second-instance.
var postfixNeighbours = []check{}
