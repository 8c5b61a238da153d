
packages_sections() {
	:
}
