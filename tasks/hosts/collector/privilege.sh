
privilege_sections() {
	:
}
