# potok-tracker from every start of Windows on, with nobody signed in, as an account that may do next to nothing. In a
# PowerShell that runs as administrator, in the folder of potok-tracker.exe:
#   powershell -ExecutionPolicy Bypass -File tracker-at-start.ps1             begins it; its invite is in tracker.log
#   powershell -ExecutionPolicy Bypass -File tracker-at-start.ps1 -Remove     ends it; its identity and names stay
# A task and no service: the program stays one that ends by Ctrl+C, and nothing of the service manager's is built into it.
# Written, and never run so far.
#Requires -RunAsAdministrator
param([switch]$Remove)
$ErrorActionPreference = 'Stop'
$name = 'Potok tracker'
$data = Join-Path $env:ProgramData 'potok-tracker'
$log = Join-Path $data 'tracker.log'
$program = Join-Path $PSScriptRoot 'potok-tracker.exe'

Get-ScheduledTask -TaskName $name -ErrorAction SilentlyContinue | ForEach-Object {
    Stop-ScheduledTask -TaskName $name
    Unregister-ScheduledTask -TaskName $name -Confirm:$false
}
Get-NetFirewallRule -DisplayName $name -ErrorAction SilentlyContinue | Remove-NetFirewallRule
if ($Remove) { return }

# Local Service, by number as its name is translated: it alone, the system and administrators come into the folder.
New-Item -ItemType Directory -Force -Path $data | Out-Null
icacls $data /inheritance:r /grant:r '*S-1-5-19:(OI)(CI)F' '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F' /q
$start = New-ScheduledTaskAction -Execute "$env:SystemRoot\System32\cmd.exe" `
    -Argument "/c `"`"$program`" --data-dir `"$data`" >> `"$log`" 2>&1`""
$account = New-ScheduledTaskPrincipal -UserId 'S-1-5-19' -LogonType ServiceAccount
# It would be ended after three days, and not begun on a battery.
$settings = New-ScheduledTaskSettingsSet -ExecutionTimeLimit ([TimeSpan]::Zero) -RestartCount 999 `
    -RestartInterval (New-TimeSpan -Minutes 1) -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries
Register-ScheduledTask -TaskName $name -Action $start -Trigger (New-ScheduledTaskTrigger -AtStartup) -Principal $account `
    -Settings $settings | Out-Null
New-NetFirewallRule -DisplayName $name -Direction Inbound -Action Allow -Profile Any -Program $program | Out-Null
Start-ScheduledTask -TaskName $name
Write-Host "It runs; the invite is in $log"
