# Does what input/config.yaml says: sleeps, writes a status, a table and an exit code. Each start is one line of the log.
set -eu
value() { sed -n "s/^ *\"$1\": *//p" input/config.yaml | tr -d '",'; }
or() { if [ -n "$1" ]; then echo "$1"; else echo "$2"; fi; }

echo "start"
echo "50%"
sleep "$(or "$(value sleep)" 0)"
mkdir -p output
case "$(or "$(value table)" good)" in
  good)
    echo "VALUE" >output/table.csv
    if [ -f input/table.csv ]; then tail -n +2 input/table.csv >>output/table.csv; fi
    echo "1" >>output/table.csv
    ;;
  wrong) echo "OTHER" >output/table.csv ;;
esac
code=$(or "$(value code)" 200)
if [ "$code" -ne 0 ]; then
  printf 'code: %s\nmessage: as told\n' "$code" >output/status.yaml
  verdict=$(value verdict)
  if [ -n "$verdict" ]; then printf 'verdict: {status: %s}\n' "$verdict" >>output/status.yaml; fi
fi
echo "end"
exit "$(or "$(value exit)" 0)"
