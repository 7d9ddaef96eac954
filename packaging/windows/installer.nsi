; Potok for one user of Windows: no rights of an administrator, but for the rule of the firewall, which is asked for once.
; `package.sh` calls makensis with VERSION, VERSION_4, POTOK (the folder of the programs), ROOT (the sources), KILOBYTES, OUT.

Unicode true
; One program, 64 bits as Potok itself.
Target amd64-unicode
SetCompressor /SOLID lzma
; The same bits from the same programs.
SetDateSave off
ManifestDPIAware true
RequestExecutionLevel user

!include MUI2.nsh

Name "Potok"
OutFile "${OUT}"
InstallDir "$LOCALAPPDATA\Programs\Potok"
InstallDirRegKey HKCU "Software\Potok" "Folder"
BrandingText "Potok ${VERSION}"
VIProductVersion "${VERSION_4}"
VIAddVersionKey /LANG=0 "ProductName" "Potok"
VIAddVersionKey /LANG=0 "FileDescription" "Potok ${VERSION}"
VIAddVersionKey /LANG=0 "FileVersion" "${VERSION}"
VIAddVersionKey /LANG=0 "ProductVersion" "${VERSION}"
VIAddVersionKey /LANG=0 "LegalCopyright" "MIT OR Apache-2.0"

!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\Potok"
!define LINKS "Software\Classes\potok"
!define MUI_ICON "${ROOT}/assets/desktop/icons/potok.ico"
!define MUI_UNICON "${ROOT}/assets/desktop/icons/potok.ico"
!define MUI_FINISHPAGE_RUN "$INSTDIR\potok.exe"
!define MUI_COMPONENTSPAGE_NODESC

!insertmacro MUI_PAGE_COMPONENTS
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"
!insertmacro MUI_LANGUAGE "Bulgarian"

LangString RUNS ${LANG_ENGLISH} "Potok is running. Quit it (Ctrl+Q, or Quit in the tray), then try again."
LangString RUNS ${LANG_BULGARIAN} "Поток работи. Спри го (Ctrl+Q или „Изход“ в системната лента) и опитай пак."
LangString DESKTOP ${LANG_ENGLISH} "Icon on the desktop"
LangString DESKTOP ${LANG_BULGARIAN} "Икона на работния плот"
LangString FIREWALL ${LANG_ENGLISH} "Let others in through the firewall"
LangString FIREWALL ${LANG_BULGARIAN} "Пусни другите през защитната стена"

; A program that runs cannot be replaced; what can be opened to be written to does not run.
!macro WAIT_UNTIL_ENDED
    again:
    IfFileExists "$INSTDIR\potok.exe" 0 ended
    ClearErrors
    FileOpen $0 "$INSTDIR\potok.exe" a
    IfErrors 0 closed
    MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "$(RUNS)" /SD IDCANCEL IDRETRY again
    SetErrorLevel 2
    Abort "$(RUNS)"
    closed:
    FileClose $0
    ended:
!macroend

Section "Potok" PROGRAM
    SectionIn RO
    !insertmacro WAIT_UNTIL_ENDED
    SetOutPath "$INSTDIR"
    File "${POTOK}/potok.exe"
    File /nonfatal "${POTOK}/potok-tracker.exe"
    File "${ROOT}/LICENSE" "${ROOT}/LICENSE-MIT" "${ROOT}/LICENSE-APACHE" "${ROOT}/assets/licences.txt"
    WriteUninstaller "$INSTDIR\uninstall.exe"
    CreateShortcut "$SMPROGRAMS\Potok.lnk" "$INSTDIR\potok.exe"

    ; *Send to* in the menu of a file.
    CreateShortcut "$SENDTO\Potok.lnk" "$INSTDIR\potok.exe" "--share"

    WriteRegStr HKCU "Software\Potok" "Folder" "$INSTDIR"
    WriteRegStr HKCU "${LINKS}" "" "URL:Potok"
    WriteRegStr HKCU "${LINKS}" "URL Protocol" ""
    WriteRegStr HKCU "${LINKS}\DefaultIcon" "" "$INSTDIR\potok.exe,0"
    ; After `--` nothing is an option: a link that somebody made may have a quotation mark in it.
    WriteRegStr HKCU "${LINKS}\shell\open\command" "" '"$INSTDIR\potok.exe" -- "%1"'

    WriteRegStr HKCU "${UNINSTALL}" "DisplayName" "Potok"
    WriteRegStr HKCU "${UNINSTALL}" "DisplayVersion" "${VERSION}"
    WriteRegStr HKCU "${UNINSTALL}" "DisplayIcon" "$INSTDIR\potok.exe"
    WriteRegStr HKCU "${UNINSTALL}" "Publisher" "The Potok authors"
    WriteRegStr HKCU "${UNINSTALL}" "URLInfoAbout" "https://github.com/potok-share/potok"
    WriteRegStr HKCU "${UNINSTALL}" "InstallLocation" "$INSTDIR"
    WriteRegStr HKCU "${UNINSTALL}" "UninstallString" '"$INSTDIR\uninstall.exe"'
    WriteRegStr HKCU "${UNINSTALL}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
    WriteRegDWORD HKCU "${UNINSTALL}" "EstimatedSize" ${KILOBYTES}
    WriteRegDWORD HKCU "${UNINSTALL}" "NoModify" 1
    WriteRegDWORD HKCU "${UNINSTALL}" "NoRepair" 1
SectionEnd

Section /o "$(DESKTOP)" DESKTOP_ICON
    CreateShortcut "$DESKTOP\Potok.lnk" "$INSTDIR\potok.exe"
SectionEnd

; One rule for all profiles, private and public: asked for once, also when a later version is installed over this one. A
; silent installation asks nobody: Windows does so itself when somebody is let in for the first time.
Section "$(FIREWALL)" FIREWALL_RULE
    IfSilent done
    ReadRegStr $0 HKCU "Software\Potok" "FirewallRule"
    StrCmp $0 "$INSTDIR\potok.exe" done
    ClearErrors
    ExecShell "runas" "$SYSDIR\netsh.exe" 'advfirewall firewall add rule name="Potok" dir=in action=allow profile=any program="$INSTDIR\potok.exe"' SW_HIDE
    IfErrors done
    WriteRegStr HKCU "Software\Potok" "FirewallRule" "$INSTDIR\potok.exe"
    done:
SectionEnd

Section "Uninstall"
    !insertmacro WAIT_UNTIL_ENDED
    Delete "$INSTDIR\potok.exe"
    Delete "$INSTDIR\potok-tracker.exe"
    Delete "$INSTDIR\LICENSE"
    Delete "$INSTDIR\LICENSE-MIT"
    Delete "$INSTDIR\LICENSE-APACHE"
    Delete "$INSTDIR\licences.txt"
    Delete "$INSTDIR\uninstall.exe"
    ; Only if nothing else lies in it. Settings and key are in the profile and stay.
    RMDir "$INSTDIR"
    Delete "$SMPROGRAMS\Potok.lnk"
    Delete "$DESKTOP\Potok.lnk"
    Delete "$SENDTO\Potok.lnk"
    ReadRegStr $0 HKCU "Software\Potok" "FirewallRule"
    StrCmp $0 "" no_rule
    IfSilent no_rule
    ExecShell "runas" "$SYSDIR\netsh.exe" 'advfirewall firewall delete rule name="Potok" program="$0"' SW_HIDE
    no_rule:
    ; Links may be another copy's by now.
    ReadRegStr $0 HKCU "${LINKS}\shell\open\command" ""
    StrCmp $0 '"$INSTDIR\potok.exe" -- "%1"' 0 links_of_another
    DeleteRegKey HKCU "${LINKS}"
    links_of_another:
    DeleteRegValue HKCU "Software\Microsoft\Windows\CurrentVersion\Run" "Potok"
    DeleteRegKey HKCU "${UNINSTALL}"
    DeleteRegKey HKCU "Software\Potok"
SectionEnd
