# Jeeves. Each target is one line that a person can read; `make help` lists them.
SHELL := /bin/bash
VERSION := $(shell sed -n 's/.*version = "\(.*\)"/\1/p' Sources/Model/Release.swift)
PACKAGES := .build/packages
RELEASE := -c release -debug-info-format none --static-swift-stdlib -Xlinker -s -Xlinker --no-export-dynamic
LAB := .build/debug/lab
# CI gives it a C compiler with a cache.
SWIFT ?= swift

.PHONY: help setup build check test nightly schema package sbom reproducible demo trial lab-up lab-down bench clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

setup: ## install what building, testing and the lab need (Debian 12, root)
	@.ci/setup

build: ## build everything for debugging, tests included
	@$(SWIFT) build --build-tests --explicit-target-dependency-import-check error

check: build ## lint; house rules run with the tests
	@swift format lint --strict --parallel --recursive --configuration .swift-format Package.swift Sources agent coordinator Tests bench
	@terraform fmt -check -recursive coordinator/Terraform

test: setup build ## run all tests
	@.ci/test

nightly: setup build ## play 100,000 schedules of changes and faults
	@JEEVES_SCHEDULES=100000 .build/debug/jeevesPackageTests.xctest --testing-library swift-testing --filter HistoryTests

schema: build ## write docs/jeeves.schema.json anew, for editors of the cluster file
	@JEEVES_WRITE_SCHEMA=1 .build/debug/jeevesPackageTests.xctest --testing-library swift-testing --filter ClusterSchemaTests

# Beside the tests it takes what they leave of the processors, and begins once they are built: one
# folder has one build at a time.
ifneq ($(filter test,$(MAKECMDGOALS)),)
package: build
package: PRIORITY := chrt --idle 0
endif
package: ## build both Debian packages into .build/packages
	@$(PRIORITY) $(SWIFT) build $(RELEASE) --product jeeves-agent
	@$(PRIORITY) $(SWIFT) build $(RELEASE) --product jeeves
	@packaging/build-deb jeeves-agent $(VERSION) .build/release $(PACKAGES)
	@packaging/build-deb jeeves $(VERSION) .build/release $(PACKAGES)

sbom: ## write SHA256SUMS and a CycloneDX list of parts beside the packages of make package
	@packaging/sbom $(VERSION) $(PACKAGES)

reproducible: package ## package twice, then compile all again from nothing, and compare (long)
	@packaging/check-reproducible $(VERSION) .build/release
	@rm -rf .build/first && mkdir .build/first
	@cp .build/release/jeeves-agent .build/release/jeeves .build/first
	@rm -rf "$$(readlink -f .build/release)"
	@$(SWIFT) build $(RELEASE) --product jeeves-agent
	@$(SWIFT) build $(RELEASE) --product jeeves
	@cmp .build/first/jeeves-agent .build/release/jeeves-agent
	@cmp .build/first/jeeves .build/release/jeeves

demo: setup package ## the main job, end to end, in the lab; DEMO='--controllers 3' for three
	@$(SWIFT) build --product lab
	@$(LAB) demo --packages $(PACKAGES) $(DEMO)

trial: setup package ## change, break and mend what make demo left (long); TRIAL="undo" plays one
	@$(SWIFT) build --product lab
	@$(LAB) trial --packages $(PACKAGES) $(TRIAL)

lab-up: setup ## start the lab
	@$(SWIFT) build --product lab && $(LAB) up

lab-down: ## remove everything the lab made, also after a crash
	@$(SWIFT) build --product lab && $(LAB) down

bench: ## figures beside limits and peers; needs the lab of make demo, up and idle
	@$(SWIFT) build --product bench
	@status=0; for figure in swap agent noop; do \
		echo "== bench $$figure"; .build/debug/bench $$figure || status=1; done; exit $$status

clean: ## remove what building made; the cache outside the checkout stays
	@rm -rf .build
