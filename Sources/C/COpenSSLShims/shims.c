#include "copensslshims.h"
