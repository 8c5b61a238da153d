
hardening_sections() {
	:
}
