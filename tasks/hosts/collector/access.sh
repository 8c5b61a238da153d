
access_sections() {
	:
}
