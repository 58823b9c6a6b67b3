#include "autotune/ModelWalk.h"
#include <gtest/gtest.h>
