@echo off
rem Potok from this folder, with settings and key in it: for a drive that is carried about.
start "" "%~dp0potok.exe" --data-dir "%~dp0data" %*
