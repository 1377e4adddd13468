// The one script of the offline copy: the site's own modules, and what a page from a file needs besides.

import "./search.js";
import "site:main";
