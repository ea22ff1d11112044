import { writeFileSync } from "node:fs";
import { OPERATORS_PAGE, operatorsPage } from "./operator-table.ts";

writeFileSync(OPERATORS_PAGE, operatorsPage());
